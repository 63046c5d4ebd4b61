/* SPDX-License-Identifier: BSD-3-Clause */
/* The content scanner's variants for instruction sets, for tests and benchmarks of each. */
#ifndef SPLITMX_SMTP_CONTENT_KERNEL_H
#define SPLITMX_SMTP_CONTENT_KERNEL_H

#include "app/smtp/content.h"

/* Numbered from 0, the best first. NULL behind the last. */
const char *smtp_content_kernel_name(unsigned kernel);

/* This processor has its instructions. */
bool smtp_content_kernel_usable(unsigned kernel);

/* As smtp_content_scan(), with a kernel that is usable. */
size_t smtp_content_scan_with(unsigned kernel, struct smtp_content *c, const uint8_t *data,
                              size_t len);

#endif
