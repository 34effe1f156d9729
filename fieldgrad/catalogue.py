# SPDX-License-Identifier: BSD-3-Clause
"""The quantities: what a record of one says, and the catalogue of those that are built in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Literal

Rank = Literal["scalar", "vector", "tensor", "principal values", "principal vectors"]

#: Dimensions of a value, before those of the field.
DIMS: Mapping[str, tuple[str, ...]] = {
    "scalar": (),
    "vector": ("component",),
    "tensor": ("component", "direction"),
    "principal values": ("principal",),
    "principal vectors": ("principal", "component"),
}


@dataclass(frozen=True)
class Quantity:
    """A pointwise function of the velocity-gradient tensor L.

    Parameters
    ----------
    name : str
        Name, as :func:`fieldgrad.derive` takes it and results have it.
    function : callable, optional
        For quantities that are not built in: a function ``(L, *parameters)`` that numba can compile. L is a 3 x 3
        tuple, ``L[i][j] = du_i/dx_j``, of which a plane flow fills its own directions and leaves the others zero; the
        result is a number, a tuple of three, or a 3 x 3 tuple, as the rank says.
    rank : {"scalar", "vector", "tensor", "principal values", "principal vectors"}
        Shape of a value: dimensions ``()``, ``("component",)``, ``("component", "direction")``, ``("principal",)`` or
        ``("principal", "component")``.
    dimensions : tuple of int
        Dimensions of the flows in which it is defined.
    power : int or Fraction
        Power of L in it, from which its units follow.
    parameters : tuple of str
        Names of the parameters it needs, in the order in which the function takes them.
    parameter_powers : tuple of int or Fraction
        Power of each parameter in it, from which its units follow; by default one.
    symbol, formula : str
        Symbol and formula as LaTeX.
    long_name, definition : str
        What it is, in words and as a formula in plain text; both become attributes of results.
    reference : str
        Where it is defined: paper or book, year, equation.
    linear : bool
        Whether it is linear in L; only such quantities are defined for complex fields.
    axial : bool
        Whether it is a pseudo-vector, of which a plane flow has the component along its normal alone.
    own_plane_form : bool
        Whether in a plane flow it is another function, of the 2 x 2 tensor; for quantities that are built in.

    Raises
    ------
    TypeError, ValueError
        If a field is not what it must be; the message names it.

    Examples
    --------
    >>> import fieldgrad as fg
    >>> def squared_shear(L):
    ...     return (L[0][1] + L[1][0]) ** 2
    >>> record = fg.Quantity("squared_shear", squared_shear, power=2, definition="(u_y + v_x)^2")
    >>> flow = fg.flows.couette([0.0, 1.0, 2.0], [0.0, 0.25, 1.0], wall_velocity=3.0)
    >>> fg.derive(flow.dataset, [record, "shear_rate"]).squared_shear.mean().round(12).item()
    9.0
    """

    name: str
    function: Callable[..., Any] | None = None
    rank: Rank = "scalar"
    dimensions: tuple[int, ...] = (2, 3)
    power: int | Fraction = 1
    parameters: tuple[str, ...] = ()
    parameter_powers: tuple[int | Fraction, ...] = ()
    symbol: str = ""
    formula: str = ""
    long_name: str = ""
    definition: str = ""
    reference: str = ""
    linear: bool = False
    axial: bool = False
    own_plane_form: bool = False

    def __post_init__(self) -> None:
        if not isinstance(self.name, str):
            raise TypeError(f"name: is a {type(self.name).__name__}; it must be a string")
        if not self.name.isidentifier():
            raise ValueError(f"name: {self.name!r} is no identifier; use letters, digits and underscores")
        if self.function is not None and not callable(self.function):
            raise TypeError(f"function: is a {type(self.function).__name__}; it must be a function of L and parameters")
        if self.rank not in DIMS:
            raise ValueError(f"rank: {self.rank!r} is not known; it must be one of {', '.join(map(repr, DIMS))}")
        for field in ("dimensions", "parameters", "parameter_powers"):
            value = getattr(self, field)
            if isinstance(value, str):
                raise TypeError(f"{field}: is the string {value!r}; it must be a tuple, ({value!r},)")
            object.__setattr__(self, field, tuple(value))  # lists would make the record impossible to hash
        if not self.dimensions or not set(self.dimensions) <= {1, 2, 3}:
            raise ValueError(f"dimensions: {self.dimensions} must be some of 1, 2 and 3")
        if self.parameter_powers and len(self.parameter_powers) != len(self.parameters):
            raise ValueError(
                f"parameter_powers: has {len(self.parameter_powers)} for {len(self.parameters)} parameters; "
                "give one for each, or none where all are 1"
            )
        if self.function is not None and self.own_plane_form:
            raise ValueError(
                f"own_plane_form: {self.name!r} has a function, which takes a 3 x 3 tensor in every flow; leave "
                "it out, and make another quantity of dimensions=(2,) for the plane"
            )
        for field, default in (("long_name", self.name.replace("_", " ")), ("definition", self.name)):
            if not getattr(self, field):
                object.__setattr__(self, field, default)

    @property
    def dims(self) -> tuple[str, ...]:
        """Dimensions of a value in space, before those of the field."""
        return DIMS[self.rank]

    @property
    def powers(self) -> dict[str, int | Fraction]:
        """Power of each parameter in it."""
        return dict(zip(self.parameters, self.parameter_powers or (1,) * len(self.parameters), strict=True))


_ASHURST = "W. T. Ashurst, A. R. Kerstein, R. M. Kerr and C. H. Gibson, Physics of Fluids 30 (1987) 2343-2353"
_BATCHELOR = "G. K. Batchelor, An Introduction to Fluid Dynamics, Cambridge University Press (1967)"
_BETCHOV = "R. Betchov, Journal of Fluid Mechanics 1 (1956) 497-504"
_CHONG = "M. S. Chong, A. E. Perry and B. J. Cantwell, Physics of Fluids A 2 (1990) 765-777"
_HUNT = "J. C. R. Hunt, A. A. Wray and P. Moin, Center for Turbulence Research report CTR-S88 (1988) 193-208"
_KOLAR = "V. Kolar, International Journal of Heat and Fluid Flow 28 (2007) 638-652"
_PETTERSSEN = "S. Petterssen, Weather Analysis and Forecasting, volume 1, McGraw-Hill (1956), chapter 2"
_POPE = "S. B. Pope, Turbulent Flows, Cambridge University Press (2000)"
_RORTEX = "Y. Wang, Y. Gao, J. Liu and C. Liu, Journal of Hydrodynamics 31 (2019) 464-474"
_TENNEKES = "H. Tennekes and J. L. Lumley, A First Course in Turbulence, MIT Press (1972)"
_ZHOU = "J. Zhou, R. J. Adrian, S. Balachandar and T. M. Kendall, Journal of Fluid Mechanics 387 (1999) 353-396"

BUILT_IN: tuple[Quantity, ...] = (
    Quantity(
        name="velocity_gradient",
        rank="tensor",
        dimensions=(1, 2, 3),
        symbol="L",
        formula=r"L_{ij} = \partial u_i / \partial x_j",
        long_name="velocity-gradient tensor",
        definition="L_ij = du_i/dx_j",
        reference=f"{_POPE}, section 2.7",
        linear=True,
    ),
    Quantity(
        name="deformation_rate",
        rank="tensor",
        symbol="D",
        formula=r"D = \tfrac12 (L + L^\mathsf{T})",
        long_name="rate-of-deformation tensor",
        definition="D = (L + L^T)/2",
        reference=f"{_POPE}, equation 2.69",
        linear=True,
    ),
    Quantity(
        name="spin",
        rank="tensor",
        symbol="W",
        formula=r"W = \tfrac12 (L - L^\mathsf{T})",
        long_name="spin tensor",
        definition="W = (L - L^T)/2",
        reference=f"{_POPE}, equation 2.70",
        linear=True,
    ),
    Quantity(
        name="divergence",
        dimensions=(1, 2, 3),
        symbol=r"\nabla\cdot u",
        formula=r"\operatorname{tr} L",
        long_name="divergence of velocity",
        definition="tr L",
        reference=f"{_POPE}, equation 2.20",
        linear=True,
    ),
    Quantity(
        name="vorticity",
        rank="vector",
        symbol=r"\omega",
        formula=r"\omega = \nabla\times u",
        long_name="vorticity",
        definition="w = (w_y - v_z, u_z - w_x, v_x - u_y)",
        reference=f"{_POPE}, equation 2.59",
        linear=True,
        axial=True,
    ),
    Quantity(
        name="vorticity_magnitude",
        symbol=r"|\omega|",
        formula=r"|\omega|",
        long_name="magnitude of vorticity",
        definition="|w|",
        reference=f"{_POPE}, section 2.8",
    ),
    Quantity(
        name="enstrophy",
        power=2,
        symbol=r"\mathcal{E}",
        formula=r"\tfrac12 |\omega|^2",
        long_name="enstrophy",
        definition="|w|^2/2",
        reference=f"{_TENNEKES}, section 3.3",
    ),
    Quantity(
        name="strain_rate_magnitude",
        symbol="|D|",
        formula=r"\sqrt{D_{ij} D_{ij}}",
        long_name="magnitude of the rate of deformation",
        definition="sqrt(D:D)",
        reference=f"{_POPE}, section 2.7",
    ),
    Quantity(
        name="shear_rate",
        symbol=r"\dot\gamma",
        formula=r"\sqrt{2 D_{ij} D_{ij}}",
        long_name="shear rate",
        definition="sqrt(2 D:D)",
        reference="R. B. Bird, R. C. Armstrong and O. Hassager, Polymeric Liquids 1, Wiley (1987), chapter 4",
    ),
    Quantity(
        name="first_invariant",
        symbol="P",
        formula=r"P = -\operatorname{tr} L",
        long_name="first invariant of the velocity-gradient tensor",
        definition="P = -tr L",
        reference=_CHONG,
        linear=True,
    ),
    Quantity(
        name="second_invariant",
        power=2,
        symbol="Q",
        formula=r"\tfrac12 ((\operatorname{tr} L)^2 - \operatorname{tr} L^2)",
        long_name="second invariant of the velocity-gradient tensor",
        definition="((tr L)^2 - tr(L^2))/2",
        reference=f"{_CHONG}, equation 8",
    ),
    Quantity(
        name="third_invariant",
        dimensions=(3,),
        power=3,
        symbol="R",
        formula=r"-\det L",
        long_name="third invariant of the velocity-gradient tensor",
        definition="R = -det L",
        reference=_CHONG,
    ),
    Quantity(
        name="deformation_second_invariant",
        dimensions=(3,),
        power=2,
        symbol="Q_D",
        formula=r"\tfrac12 ((\operatorname{tr} D)^2 - \operatorname{tr} D^2)",
        long_name="second invariant of the rate of deformation",
        definition="((tr D)^2 - tr(D^2))/2",
        reference=_CHONG,
    ),
    Quantity(
        name="deformation_third_invariant",
        dimensions=(3,),
        power=3,
        symbol="R_D",
        formula=r"-\det D",
        long_name="third invariant of the rate of deformation",
        definition="-det D",
        reference=_CHONG,
    ),
    Quantity(
        name="spin_second_invariant",
        dimensions=(3,),
        power=2,
        symbol="Q_W",
        formula=r"\tfrac12 W_{ij} W_{ij}",
        long_name="second invariant of the spin",
        definition="|W|^2/2",
        reference=_CHONG,
    ),
    Quantity(
        name="principal_strain_rates",
        rank="principal values",
        symbol=r"\sigma_i",
        formula=r"D e_i = \sigma_i e_i,\ \sigma_1 \ge \sigma_2 \ge \sigma_3",
        long_name="principal strain rates",
        definition="eigenvalues of D, descending",
        reference=f"{_BATCHELOR}, section 2.3",
        own_plane_form=True,
    ),
    Quantity(
        name="principal_directions",
        rank="principal vectors",
        power=0,
        symbol="e_i",
        formula=r"D e_i = \sigma_i e_i,\ |e_i| = 1",
        long_name="principal directions of the rate of deformation",
        definition="unit eigenvectors of D, their largest component positive",
        reference=f"{_BATCHELOR}, section 2.3",
        own_plane_form=True,
    ),
    Quantity(
        name="lund_rogers",
        dimensions=(3,),
        power=0,
        symbol="s^*",
        formula=r"\frac{-3\sqrt6\, \sigma_1 \sigma_2 \sigma_3}{(\sigma_1^2 + \sigma_2^2 + \sigma_3^2)^{3/2}}",
        long_name="state of strain",
        definition="-3 sqrt(6) abc/(a^2 + b^2 + c^2)^(3/2), a, b, c the principal strain rates",
        reference="T. S. Lund and M. M. Rogers, Physics of Fluids 6 (1994) 1838-1847",
    ),
    Quantity(
        name="vorticity_alignment",
        rank="principal values",
        dimensions=(3,),
        power=0,
        symbol=r"|\cos\theta_i|",
        formula=r"|\omega \cdot e_i| / |\omega|",
        long_name="alignment of vorticity with the principal directions",
        definition="|w . e_i|/|w|",
        reference=_ASHURST,
    ),
    Quantity(
        name="q_criterion",
        power=2,
        symbol="Q",
        formula=r"\tfrac12 (|W|^2 - |D|^2) = -\tfrac12 \operatorname{tr} L^2",
        long_name="Q criterion",
        definition="(|W|^2 - |D|^2)/2 = -tr(L^2)/2",
        reference=_HUNT,
    ),
    Quantity(
        name="q_criterion_deviatoric",
        power=2,
        symbol=r"Q'",
        formula=r"\tfrac12 (|W|^2 - |D'|^2),\ D' = D - \tfrac1n \operatorname{tr}(D) I",
        long_name="Q criterion of the deviatoric rate of deformation",
        definition="(|W|^2 - |D'|^2)/2, D' = D - tr(D) I/n, n the dimension of the flow",
        reference="V. Kolar, AIAA Journal 47 (2009) 473-475",
        own_plane_form=True,
    ),
    Quantity(
        name="delta_criterion",
        dimensions=(3,),
        power=6,
        symbol=r"\Delta",
        formula=r"(q/3)^3 + (r/2)^2,\ q = Q - \tfrac13 P^2,\ r = R + \tfrac{2}{27} P^3 - \tfrac13 P Q",
        long_name="discriminant of the velocity-gradient tensor",
        definition="(q/3)^3 + (r/2)^2, q = Q - P^2/3, r = R + 2 P^3/27 - P Q/3",
        reference=_CHONG,
    ),
    Quantity(
        name="lambda2",
        dimensions=(3,),
        power=2,
        symbol=r"\lambda_2",
        formula=r"\lambda_2(D^2 + W^2)",
        long_name="lambda2",
        definition="middle eigenvalue of D^2 + W^2",
        reference="J. Jeong and F. Hussain, Journal of Fluid Mechanics 285 (1995) 69-94",
    ),
    Quantity(
        name="swirling_strength",
        symbol=r"\lambda_{ci}",
        formula=r"\operatorname{Im} \lambda(L)",
        long_name="swirling strength",
        definition="imaginary part of the complex pair of eigenvalues of L, 0 where all are real",
        reference=_ZHOU,
        own_plane_form=True,
    ),
    Quantity(
        name="inverse_spiralling_compactness",
        power=0,
        symbol=r"\lambda_{cr}/\lambda_{ci}",
        formula=r"\lambda_{cr} / \lambda_{ci}",
        long_name="inverse spiralling compactness",
        definition="real over imaginary part of the complex pair of eigenvalues of L",
        reference="P. Chakraborty, S. Balachandar and R. J. Adrian, Journal of Fluid Mechanics 535 (2005) 189-214",
        own_plane_form=True,
    ),
    Quantity(
        name="swirling_axis",
        rank="vector",
        dimensions=(3,),
        power=0,
        symbol="r",
        formula=r"L r = \lambda_r r,\ |r| = 1,\ \omega\cdot r \ge 0",
        long_name="axis of swirling",
        definition="unit real eigenvector r of L with w . r >= 0, 0 where all eigenvalues are real",
        reference=_ZHOU,
    ),
    Quantity(
        name="rortex",
        rank="vector",
        dimensions=(3,),
        symbol="R",
        formula=r"\left(\omega\cdot r - \sqrt{(\omega\cdot r)^2 - 4 \lambda_{ci}^2}\right) r",
        long_name="Rortex (Liutex) vector",
        definition="(w . r - sqrt((w . r)^2 - 4 lambda_ci^2)) r, r the axis of swirling",
        reference=_RORTEX,
    ),
    Quantity(
        name="rortex_magnitude",
        dimensions=(3,),
        symbol="|R|",
        formula=r"\omega\cdot r - \sqrt{(\omega\cdot r)^2 - 4 \lambda_{ci}^2}",
        long_name="magnitude of the Rortex (Liutex) vector",
        definition="w . r - sqrt((w . r)^2 - 4 lambda_ci^2), r the axis of swirling",
        reference=_RORTEX,
    ),
    Quantity(
        name="omega_method",
        power=0,
        parameters=("epsilon",),
        parameter_powers=(0,),
        symbol=r"\Omega",
        formula=r"\frac{|W|^2}{|D|^2 + |W|^2 + \epsilon}",
        long_name="Omega",
        definition="|W|^2/(|D|^2 + |W|^2 + epsilon)",
        reference="C. Liu, Y. Wang, Y. Yang and Z. Duan, Science China Physics, Mechanics, Astronomy 59 (2016) 684711",
    ),
    Quantity(
        name="kinematic_vorticity_number",
        power=0,
        symbol=r"\mathfrak{W}",
        formula=r"|W| / |D|",
        long_name="kinematic vorticity number",
        definition="|W|/|D|",
        reference="C. Truesdell, Journal of Rational Mechanics and Analysis 2 (1953) 173-217",
    ),
    Quantity(
        name="okubo_weiss",
        dimensions=(2,),
        power=2,
        symbol=r"\mathrm{OW}",
        formula=r"(u_x - v_y)^2 + (v_x + u_y)^2 - \omega_z^2",
        long_name="Okubo-Weiss parameter",
        definition="(u_x - v_y)^2 + (v_x + u_y)^2 - w_z^2",
        reference="A. Okubo, Deep-Sea Research 17 (1970) 445-454; J. Weiss, Physica D 48 (1991) 273-294",
        own_plane_form=True,
    ),
    Quantity(
        name="stretching_deformation",
        dimensions=(2,),
        symbol="s_n",
        formula=r"u_x - v_y",
        long_name="stretching deformation",
        definition="u_x - v_y",
        reference=_PETTERSSEN,
        linear=True,
        own_plane_form=True,
    ),
    Quantity(
        name="shearing_deformation",
        dimensions=(2,),
        symbol="s_s",
        formula=r"v_x + u_y",
        long_name="shearing deformation",
        definition="v_x + u_y",
        reference=_PETTERSSEN,
        linear=True,
        own_plane_form=True,
    ),
    Quantity(
        name="total_deformation",
        dimensions=(2,),
        symbol="s",
        formula=r"\sqrt{(u_x - v_y)^2 + (v_x + u_y)^2}",
        long_name="total deformation",
        definition="sqrt((u_x - v_y)^2 + (v_x + u_y)^2)",
        reference=_PETTERSSEN,
        own_plane_form=True,
    ),
    Quantity(
        name="residual_vorticity",
        dimensions=(2,),
        symbol=r"\omega_\mathrm{res}",
        formula=r"\operatorname{sgn}(\omega_z) \max(|\omega_z| - s, 0)",
        long_name="residual vorticity",
        definition="sgn(w_z)(|w_z| - s) where the total deformation s is below |w_z|, else 0",
        reference=_KOLAR,
        axial=True,
        own_plane_form=True,
    ),
    Quantity(
        name="viscous_stress",
        rank="tensor",
        parameters=("dynamic_viscosity",),
        symbol=r"\tau",
        formula=r"2 \mu D - \tfrac23 \mu \operatorname{tr}(L) I",
        long_name="viscous stress",
        definition="2 mu D - (2/3) mu tr(L) I",
        reference=f"{_BATCHELOR}, equation 3.3.11",
    ),
    Quantity(
        name="dissipation",
        power=2,
        parameters=("viscosity",),
        symbol=r"\varepsilon",
        formula=r"2 \nu D_{ij} D_{ij}",
        long_name="dissipation rate of kinetic energy",
        definition="2 nu D:D",
        reference=f"{_POPE}, equation 5.128",
    ),
    Quantity(
        name="pseudo_dissipation",
        power=2,
        parameters=("viscosity",),
        symbol=r"\tilde\varepsilon",
        formula=r"\nu L_{ij} L_{ij}",
        long_name="pseudo-dissipation",
        definition="nu L:L",
        reference=f"{_POPE}, section 5.3",
    ),
    Quantity(
        name="dissipation_compressible",
        power=2,
        parameters=("viscosity",),
        symbol=r"\varepsilon",
        formula=r"2 \nu (D_{ij} D_{ij} - \tfrac13 (\operatorname{tr} D)^2)",
        long_name="dissipation rate of kinetic energy in compressible flow",
        definition="2 nu (D:D - (tr D)^2/3)",
        reference=f"{_BATCHELOR}, section 3.4",
    ),
    Quantity(
        name="kolmogorov_length",
        power=Fraction(-1, 2),
        parameters=("viscosity",),
        parameter_powers=(Fraction(1, 2),),
        symbol=r"\eta",
        formula=r"(\nu^3 / \varepsilon)^{1/4}",
        long_name="Kolmogorov length of the local dissipation",
        definition="(nu^3/eps)^(1/4), eps = 2 nu D:D",
        reference=f"{_POPE}, equation 6.1",
    ),
    Quantity(
        name="kolmogorov_time",
        power=-1,
        parameters=("viscosity",),
        parameter_powers=(0,),
        symbol=r"\tau_\eta",
        formula=r"(\nu / \varepsilon)^{1/2}",
        long_name="Kolmogorov time of the local dissipation",
        definition="(nu/eps)^(1/2), eps = 2 nu D:D",
        reference=f"{_POPE}, equation 6.3",
    ),
    Quantity(
        name="vortex_stretching",
        rank="vector",
        dimensions=(3,),
        power=2,
        symbol=r"L\omega",
        formula=r"(\omega\cdot\nabla) u = L \omega",
        long_name="vortex stretching",
        definition="(w . grad) u = L w",
        reference=f"{_POPE}, equation 2.60",
    ),
    Quantity(
        name="enstrophy_production",
        dimensions=(3,),
        power=3,
        symbol=r"\omega\cdot D\omega",
        formula=r"\omega_i D_{ij} \omega_j",
        long_name="production of enstrophy by vortex stretching",
        definition="w . D w",
        reference=_BETCHOV,
    ),
    Quantity(
        name="strain_self_amplification",
        dimensions=(3,),
        power=3,
        symbol=r"-\operatorname{tr} D^3",
        formula=r"-D_{ij} D_{jk} D_{ki}",
        long_name="self-amplification of strain",
        definition="-tr(D^3)",
        reference=_BETCHOV,
    ),
)
