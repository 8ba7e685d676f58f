/*
 * added.c - added tokens in a text.
 */
#include "data/added.h"

#include <stdlib.h>

#include <utf8proc.h>

#include "base/mem.h"
#include "base/utf8.h"

/* The node for `byte` in a list of siblings, made when it is not there. */
static uint32_t
step(struct added_set *set, uint32_t *first, unsigned char byte)
{
    for (uint32_t i = *first; i; i = set->node[i].sibling)
        if (set->node[i].byte == byte)
            return i;
    uint32_t made = (uint32_t)set->nodes++;
    set->node[made] = (struct added_node){.sibling = *first, .byte = byte};
    *first = made;
    return made;
}

int
added_insert(struct moe_err *err, struct added_set *set, const char *text,
             size_t n, const struct added_token *token)
{
    struct added_token *tokens =
        mem_grow(set->token, &set->token_cap, set->tokens + 1, sizeof *tokens);
    if (tokens)
        set->token = tokens;
    struct added_node *nodes =
        mem_grow(set->node, &set->node_cap, set->nodes + n + 1, sizeof *nodes);
    if (nodes)
        set->node = nodes;
    if (!tokens || !nodes)
        return moe_fail(err, MOE_ENOMEM, "added tokens: out of memory");
    if (!set->nodes)
        set->nodes = 1;
    uint32_t at = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)text[i];
        at = step(set, i ? &set->node[at].child : &set->root[byte], byte);
    }
    set->token[set->tokens++] = *token;
    if (at)
        set->node[at].token = (uint32_t)set->tokens;
    return MOE_OK;
}

void
added_free(struct added_set *set)
{
    free(set->token);
    free(set->node);
    *set = (struct added_set){0};
}

/* The longest token that begins at s, or NULL. */
static const struct added_token *
longest(const struct added_set *set, const char *s, size_t n, size_t *length)
{
    const struct added_token *found = NULL;
    uint32_t at = set->root[(unsigned char)s[0]];
    for (size_t i = 1; at; i++) {
        const struct added_node *node = &set->node[at];
        if (node->token) {
            found = &set->token[node->token - 1];
            *length = i;
        }
        if (i == n)
            break;
        at = node->child;
        while (at && set->node[at].byte != (unsigned char)s[i])
            at = set->node[at].sibling;
    }
    return found;
}

static bool
is_space(int32_t c)
{
    utf8proc_category_t k = utf8proc_category(c);
    return (c >= 9 && c <= 13) || c == 0x85 || k == UTF8PROC_CATEGORY_ZS ||
           k == UTF8PROC_CATEGORY_ZL || k == UTF8PROC_CATEGORY_ZP;
}

/* Letters, marks, digits, connectors and the two joiners. */
static bool
is_word(int32_t c)
{
    switch (utf8proc_category(c)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC:
        return true;
    default:
        return c == 0x200c || c == 0x200d;
    }
}

static int32_t
char_before(const char *s, size_t at)
{
    int32_t c;
    size_t last = utf8_last(s, at);
    utf8_get(s + last, at - last, &c);
    return c;
}

static bool
inside_word(const struct added_walk *w, size_t start, size_t stop)
{
    int32_t c;
    if (start > 0 && is_word(char_before(w->s, start)))
        return true;
    if (stop == w->n)
        return false;
    utf8_get(w->s + stop, w->n - stop, &c);
    return is_word(c);
}

static bool
wanted(const struct added_walk *w, const struct added_token *t, size_t start,
       size_t stop)
{
    if (w->policy == MOE_ADDED_ORDINARY && t->special)
        return false;
    if (w->policy == MOE_ADDED_SPACES && !t->spaces)
        return false;
    return !t->single_word || !inside_word(w, start, stop);
}

/* Find the next token and widen it by the white space that it takes.  A token
 * passed over is not looked into, as in the reference implementation. */
static bool
find_token(struct added_walk *w)
{
    while (w->search < w->n) {
        size_t start = w->search, length = 0;
        const struct added_token *t =
            longest(w->set, w->s + start, w->n - start, &length);
        w->search += t ? length : 1;
        size_t stop = w->search;
        if (!t || !wanted(w, t, start, stop))
            continue;
        while (t->lstrip && start > w->done &&
               is_space(char_before(w->s, start)))
            start = utf8_last(w->s, start);
        int32_t c;
        int bytes;
        while (t->rstrip && stop < w->n &&
               (bytes = utf8_get(w->s + stop, w->n - stop, &c)) > 0 &&
               is_space(c))
            stop += (size_t)bytes;
        w->pending = t->id;
        w->pending_start = start;
        w->pending_stop = stop;
        return true;
    }
    return false;
}

void
added_begin(struct added_walk *w, const struct added_set *set,
            enum moe_added policy, const char *s, size_t n)
{
    *w = (struct added_walk){
        .set = set, .policy = policy, .s = s, .n = n, .pending = -1};
    if (!set->tokens)
        w->search = n;
}

bool
added_next(struct added_walk *w, struct added_span *span)
{
    if (w->pending < 0 && !find_token(w)) {
        *span = (struct added_span){w->done, w->n, -1};
        w->done = w->n;
        return span->start < span->stop;
    }
    if (w->done < w->pending_start) {
        *span = (struct added_span){w->done, w->pending_start, -1};
        w->done = w->pending_start;
        return true;
    }
    *span = (struct added_span){w->pending_start, w->pending_stop, w->pending};
    w->done = w->pending_stop;
    w->pending = -1;
    return true;
}
