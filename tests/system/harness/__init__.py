# SPDX-License-Identifier: BSD-3-Clause
"""What the system tests are made of: a sandbox, a network, mail servers, and the router."""
