"""Musculotendon geometry without OpenSim: lengths as smooth functions of joint angles."""

from refnms.geometry.fit import GeometryFit, Poses, fit_geometry
from refnms.geometry.record import Geometry

__all__ = ["Geometry", "GeometryFit", "Poses", "fit_geometry"]
