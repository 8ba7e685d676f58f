/*
 * wellformed.h - whether a text is well-formed XML, as far as a page and a
 * figure need: tags match, attributes are quoted and distinct, ids are
 * distinct, entities and characters are those that XML has.
 */
#ifndef TESTS_WELLFORMED_H
#define TESTS_WELLFORMED_H

/* "" or the first fault with its line; static, until the next call. */
const char *wellformed(const char *text);

#endif
