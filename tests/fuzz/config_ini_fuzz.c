/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * INI files. Whatever it is, it is loaded and judged; a file without errors yields values within
 * their ranges and settings that can be run with.
 */
#include <string.h>

#include "app/settings.h"
#include "config/schema.h"
#include "fuzz.h"

static void check_value(const struct config_section *s, const struct schema_key *key,
                        unsigned errors)
{
    struct config_value v = config_get(s, key->name);
    uint64_t number;
    if (v.text == NULL) {
        FUZZ_CHECK(key->fallback == NULL && v.line == 0);
        FUZZ_CHECK(!key->required || errors > 0);
        return;
    }
    FUZZ_CHECK(v.text[0] != '\0' && v.text[0] != ' ' && v.text[strlen(v.text) - 1] != ' ');
    FUZZ_CHECK(schema_read(key, v.text, &number));
    FUZZ_CHECK(number == config_number(s, key->name));
    size_t len, total = 0;
    for (const char *cursor = v.text; config_list_next(&cursor, &len) != NULL; total += len)
        FUZZ_CHECK(len > 0);
    FUZZ_CHECK(total <= strlen(v.text));
}

static void check_config(const struct config *c, unsigned errors)
{
    unsigned count;
    const struct schema_section *known = schema_sections(&count);
    for (unsigned t = 0; t < count; t++) {
        const struct config_section *s;
        unsigned i = 0;
        for (; (s = config_section(c, known[t].type, i)) != NULL; i++) {
            FUZZ_CHECK((config_section_name(s)[0] != '\0') == known[t].named);
            for (unsigned k = 0; k < known[t].key_count; k++)
                check_value(s, &known[t].keys[k], errors);
        }
        FUZZ_CHECK(known[t].named || i == 1);
        FUZZ_CHECK(!known[t].required || i > 0 || errors > 0);
    }
}

static void check_settings(const struct settings *s)
{
    FUZZ_CHECK(s->hostname[0] != '\0' && s->workers == 1);
    FUZZ_CHECK(s->port_count > 0 && s->listener_count > 0);
    for (unsigned i = 0; i < s->port_count; i++) {
        const struct port_settings *p = &s->ports[i];
        FUZZ_CHECK(p->device != NULL);
        for (unsigned k = 0; k < p->address_count; k++)
            FUZZ_CHECK(ip_prefix_contains(&p->networks[k], &p->addresses[k]));
    }
    for (unsigned i = 0; i < s->listener_count; i++)
        FUZZ_CHECK(s->listeners[i].port < s->port_count && s->listeners[i].tcp_port != 0);
    FUZZ_CHECK(s->connect <= s->rcpt && s->max_sessions < s->max_connections);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct settings settings;
    struct config_errors *errors = config_errors_new();
    struct config *c = config_parse("dir/x.ini", (const char *)data, size, errors);
    check_config(c, config_errors_count(errors));
    settings_build(&settings, c, errors);
    if (config_errors_count(errors) == 0)
        check_settings(&settings);
    FILE *out = fopen("/dev/null", "we");
    if (out != NULL) {
        config_errors_print(errors, out);
        fclose(out);
    }
    config_free(c);
    config_errors_free(errors);
    return 0;
}
