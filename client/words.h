/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Words one behind the other in one piece of memory, and how systemd takes a text apart into words. */
#pragma once

#include <stddef.h>

typedef struct Words {
        char *text; /* owned, or NULL; each word ends with a NUL */
        size_t size;
} Words;

/* For _cleanup_(words_done), and to begin anew. */
void words_done(Words *words);

/* A copy of n bytes as the last word. -ENOMEM */
int words_add(Words *words, const char *word, size_t n);

/*
 * The words of a text: blanks part them, quotes hold them together, "\" takes the meaning from what follows. What is
 * not closed ends with the text. -ENOMEM
 */
int words_split(Words *words, const char *text);

/* The first word for NULL, then the next; NULL at the end. Borrowed. */
const char *words_next(const Words *words, const char *word);

/* Of words of the form NAME=value the last value of a name, borrowed; NULL = it is not set. */
const char *words_value(const Words *words, const char *name, size_t n);
