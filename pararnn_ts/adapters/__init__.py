"""Faces that other packages expect of a forecaster, each in a module that needs the package it is named after."""
