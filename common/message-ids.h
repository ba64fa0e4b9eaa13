/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal's MESSAGE_ID of lines that operators look for; systemd/ipvsproxy.catalog explains each. */
#pragma once

#define MESSAGE_ID_STARTED "be007a8198574c13bde1607c1ea6de1d" /* the daemon began its work */
#define MESSAGE_ID_FIRST_SYNC "65b805d8f1d14d20a219cad8f85dd423" /* the first complete pass is in the kernel */
#define MESSAGE_ID_SYNC_FAILED "c6e2d22a61c848c9aab3adaaaddd8351" /* something could not be programmed and is retried */
#define MESSAGE_ID_SYNC_RECOVERED "eca6420d30604cc69d38fc9d6e1e435d" /* what failed before is programmed now */
#define MESSAGE_ID_API_LOST "b7126252ec6745978395aaa7645630cd" /* the API server does not answer */
#define MESSAGE_ID_API_BACK "e8505aa5fcea4e4ab7c0a5580310b29c" /* the API server answers again */
#define MESSAGE_ID_DRIFT_REPAIRED "12cca2af87394f28a9c315b02a80dce8" /* somebody else changed what is ours */
#define MESSAGE_ID_ADDRESS_REFUSED "c1241b9f7e3d4f488bec76f89e81fde6" /* an address of a service is not served */
#define MESSAGE_ID_KERNEL_FEATURE_MISSING "d46d800176a64f4da77e23dcb625171f" /* the kernel lacks something */
#define MESSAGE_ID_DRAIN_BEGAN "f5d679a73fdb495e8db94ee152340086" /* the node drains */
#define MESSAGE_ID_DRAIN_ENDED "c9bb2e197b6047548e4099de473a4882" /* the node serves again */
#define MESSAGE_ID_OVERRIDE_SET "1c9c5608b35b437888dcaf266a7d2ee5" /* an endpoint's weight was overridden */
#define MESSAGE_ID_OVERRIDE_EXPIRED "ad0225f255b84b08b87bfe89641d8af8" /* and is no longer */
#define MESSAGE_ID_PRIVILEGED_CALL "b23d5097c1ef46858334064e001a78a2" /* a call that needs authorization was allowed or denied */
#define MESSAGE_ID_BUS_STALLED "d88e45396249441eb889525fc7e6cf1d" /* the bus does not take what it is sent */
#define MESSAGE_ID_CONFIG_REJECTED "87c20c300d4448d1be566ee1036bb308" /* a changed configuration is not used */
