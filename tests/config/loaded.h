// SPDX-License-Identifier: BSD-3-Clause
// An INI out of a string, with its errors as lines of text.
#ifndef SPLITMX_TESTS_CONFIG_LOADED_H
#define SPLITMX_TESTS_CONFIG_LOADED_H

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

extern "C" {
#include "config/config.h"
}

inline std::vector<std::string> Lines(const struct config_errors *errors)
{
    char *text = nullptr;
    size_t size = 0;
    FILE *f = open_memstream(&text, &size);
    config_errors_print(errors, f);
    fclose(f);
    std::vector<std::string> lines;
    std::string all(text, size);
    free(text);
    for (size_t at = 0, end; (end = all.find('\n', at)) != std::string::npos; at = end + 1)
        lines.push_back(all.substr(at, end - at));
    return lines;
}

struct Loaded {
    struct config_errors *errors = config_errors_new();
    struct config *config;

    explicit Loaded(const std::string &ini, const char *path = "x.ini")
        : config(config_parse(path, ini.data(), ini.size(), errors))
    {
    }
    Loaded(const Loaded &) = delete;
    ~Loaded()
    {
        config_free(config);
        config_errors_free(errors);
    }
    std::vector<std::string> Errors() const
    {
        return Lines(errors);
    }
    const struct config_section *Section(const char *type, unsigned index = 0) const
    {
        return config_section(config, type, index);
    }
};

// The least that has no errors; tests add to it.
inline const std::string kLeast = "[appliance]\nhostname = mx.example.net\n"
                                  "[port wan]\ndevice = net_null0\naddress = 192.0.2.25/24\n"
                                  "[listener smtp]\nport = wan\n";
inline const std::string kDomain = "[domain example.com]\n";

#endif
