/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/words.h"

#include <errno.h>
#include <string.h>

#include "common/macros.h"

#define BLANKS " \t\r\n"

void words_done(Words *words) {
        free(words->text);
        *words = (Words){ 0 };
}

int words_add(Words *words, const char *word, size_t n) {
        char *text = realloc(words->text, words->size + n + 1);

        if (!text)
                return -ENOMEM;
        memcpy(text + words->size, word, n);
        text[words->size + n] = '\0';
        words->text = text;
        words->size += n + 1;
        return 0;
}

/* "\t" and the like; others stand for themselves. */
static char escaped(char c) {
        static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
        const char *p = c ? strchr(from, c) : NULL;

        return p ? to[p - from] : c;
}

/* The word at *text without its quotes into `buf`, which is as long as the text. */
static size_t word_take(const char **text, char *buf) {
        const char *p = *text;
        char quote = '\0';
        size_t n = 0;

        for (; *p && (quote || !strchr(BLANKS, *p)); p++)
                if (quote ? *p == quote : *p == '"' || *p == '\'')
                        quote = quote ? '\0' : *p;
                else if (*p == '\\' && p[1])
                        buf[n++] = escaped(*++p);
                else
                        buf[n++] = *p;
        *text = p;
        return n;
}

int words_split(Words *words, const char *text) {
        _cleanup_(freep) char *buf = malloc(strlen(text) + 1);
        int r = buf ? 0 : -ENOMEM;

        for (text += strspn(text, BLANKS); r >= 0 && *text; text += strspn(text, BLANKS)) {
                size_t n = word_take(&text, buf);

                r = words_add(words, buf, n);
        }
        return r;
}

const char *words_next(const Words *words, const char *word) {
        const char *next = word ? word + strlen(word) + 1 : words->text;

        return next && next < words->text + words->size ? next : NULL;
}

const char *words_value(const Words *words, const char *name, size_t n) {
        const char *value = NULL;

        for (const char *word = words_next(words, NULL); word; word = words_next(words, word))
                if (strncmp(word, name, n) == 0 && word[n] == '=')
                        value = word + n + 1;
        return value;
}
