# SPDX-License-Identifier: GPL-3.0-or-later
"""HandDiff: posed rigs in, pictures with right hands out.

Rooms, lowest first; each imports only those before it: ``request``, ``rig``, ``conditioning``, ``models``,
``diffusion``, ``scene``, ``jobs``, ``training`` and ``evaluation``, ``cli``.  ``bpy`` is imported in ``scene`` alone
and torch on first use only, so this package imports anywhere.
"""

__version__ = "0.1.0"
