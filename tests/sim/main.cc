// SPDX-License-Identifier: BSD-3-Clause
// main() of the simulation: --seeds N worlds, the first from seed --first S; or by the environment,
// SPLITMX_SIM_SEEDS and SPLITMX_SIM_FIRST.
#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <malloc.h>

#include <rte_eal.h>

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
    for (int k = 1; k < argc; k += 2) {
        const char *name = strcmp(argv[k], "--seeds") == 0   ? "SPLITMX_SIM_SEEDS"
                           : strcmp(argv[k], "--first") == 0 ? "SPLITMX_SIM_FIRST"
                           : strcmp(argv[k], "--trace") == 0 ? "SPLITMX_SIM_TRACE"
                                                             : nullptr;
        if (name == nullptr || k + 1 == argc) {
            fprintf(stderr, "usage: %s [--seeds N] [--first S] [--trace FRAMES] [--gtest_…]\n",
                    argv[0]);
            return 64;
        }
        setenv(name, argv[k + 1], 1);
    }
    // Each world's tables go back to the kernel: what is left between them would pin the heap's
    // end.
    mallopt(M_MMAP_THRESHOLD, 128 << 10);
    const char *eal[] = {"test",        "--no-huge",      "-m", "256", "--no-pci",
                         "--no-shconf", "--no-telemetry", "-l", "0",   "--log-level=error"};
    if (rte_eal_init(sizeof(eal) / sizeof(eal[0]), const_cast<char **>(eal)) < 0) {
        fprintf(stderr, "DPDK does not start\n");
        return 1;
    }
    int result = RUN_ALL_TESTS();
    rte_eal_cleanup();
    return result;
}
