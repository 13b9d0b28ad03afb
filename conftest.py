"""What tests, docstring examples and notebooks have in common."""

import os

# Matrices here are small.  Threads of the linear algebra library would wait for one another, on a busy machine many
# times as long as they compute.  It is read when numpy is loaded, here and in the processes that tests start.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
