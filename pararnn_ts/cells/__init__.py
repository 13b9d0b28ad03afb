"""
Frozen descriptions of recurrent cells and of the models that have one: constants, packing of parameters, names, images.

A kernel reads *weights*, all matrices written out. What is estimated are *parameters*, from which the weights follow by
a linear map: an antisymmetric matrix has half as many parameters as weights, uniform couplings repeat one angle.
"""

from pararnn_ts.cells.base import Cell, Expansion
from pararnn_ts.cells.lstm import LSTMCell
from pararnn_ts.cells.ode import STEEPEST, ODECell, runge_kutta
from pararnn_ts.cells.qunn import QUNNCell
from pararnn_ts.cells.specification import CellSpecification

__all__ = ["STEEPEST", "Cell", "CellSpecification", "Expansion", "LSTMCell", "ODECell", "QUNNCell", "runge_kutta"]
