// SPDX-License-Identifier: BSD-3-Clause
// main() of tests that need DPDK's memory but no port: a small environment without hugepages,
// devices or traces on disk.
#include <gtest/gtest.h>

#include <rte_eal.h>

int main(int argc, char **argv)
{
    ::testing::InitGoogleTest(&argc, argv);
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
