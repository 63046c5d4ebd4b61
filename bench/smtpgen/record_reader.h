/* SPDX-License-Identifier: BSD-3-Clause */
/* Reads record files. Whatever they hold, memory stays at one line. */
#ifndef SPLITMX_SMTPGEN_RECORD_READER_H
#define SPLITMX_SMTPGEN_RECORD_READER_H

#include "bench/smtpgen/record.h"

/*
 * Reads a file's records. A last line without LF was cut off when its writer was killed: it is
 * left out. Takes `in` over. NULL if there is no memory.
 */
struct record_reader;
struct record_reader *record_reader_new(FILE *in, enum record_kind kind);

/* RECORD_OK; RECORD_END, now and ever after; or what is wrong with the line, after which the caller
 * gives up. The spans of *out last until the next call. */
enum record_error record_read(struct record_reader *reader, struct record *out);

/* The number of the line that was read last, from 1. */
uint64_t record_reader_line(const struct record_reader *reader);

/* At the end: the last line was cut off. */
bool record_reader_cut(const struct record_reader *reader);

void record_reader_free(struct record_reader *reader);

#endif
