"""Code in processes of their own that know nothing of the package yet, but have loaded what takes long beside it."""

import contextlib
import io
import multiprocessing
import os
import sys
from concurrent.futures import ProcessPoolExecutor

METHOD = "forkserver" if "forkserver" in multiprocessing.get_all_start_methods() else "spawn"


def run_here(folder, code, environment):
    """What the code prints, with the modules of the folder first and these variables set."""
    from numba.core import config

    os.environ.update(environment)
    config.reload_config()
    sys.path.insert(0, str(folder))
    sys.dont_write_bytecode = True
    assert not any(name.partition(".")[0] == "pararnn_ts" for name in sys.modules)
    with contextlib.redirect_stdout(io.StringIO()) as printed:
        exec(code, {})
    return printed.getvalue()


def run_apart(folder, code, **environment):
    """As :func:`run_here`, in a fresh process."""
    context = multiprocessing.get_context(METHOD)
    context.set_forkserver_preload(["numba", "pandas", "statsmodels.tsa.stattools", "statsmodels.tsa.base.tsa_model"])
    with ProcessPoolExecutor(1, context) as pool:
        return pool.submit(run_here, folder, code, environment).result(timeout=600)
