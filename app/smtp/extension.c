/* SPDX-License-Identifier: BSD-3-Clause */
/* The names of extensions. */
#include "app/smtp/extension.h"

const char *smtp_extension_keyword(enum smtp_extension extension)
{
#define KEYWORD(name, keyword) [name] = keyword,
    static const char *const keywords[] = {SMTP_EXTENSIONS(KEYWORD)};
    return keywords[extension];
}
