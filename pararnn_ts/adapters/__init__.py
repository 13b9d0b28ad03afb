"""Interfaces that other packages expect of a forecaster; each module needs the package after which it is named."""
