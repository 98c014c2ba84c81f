# SPDX-License-Identifier: GPL-3.0-or-later
"""The two-stage method on torch and diffusers.  Import its modules on first use only: they load torch."""
