"""``jupyter peer demo``: two JupyterLabs on this machine, paired, with a notebook in each.

The demo is not part of the node. It starts real servers as a person would, runs the notebooks of
``binder/`` in their kernels through Jupyter's own REST and WebSocket API, and checks what arrives.
"""
