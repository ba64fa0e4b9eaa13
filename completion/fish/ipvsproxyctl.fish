# SPDX-License-Identifier: GPL-2.0-or-later
# fish completion for ipvsproxyctl(8). The program knows its own commands, options and services.

function __ipvsproxyctl_complete
        set -l words (commandline -opc) (commandline -ct)
        ipvsproxyctl complete -- $words[2..-1] 2>/dev/null
end

complete -c ipvsproxyctl -f -a '(__ipvsproxyctl_complete)'
