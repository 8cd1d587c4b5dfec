"""Creatinine, age and sex -> eGFR. Numbers in, numbers out.

Units: creatinine in mg/dL, age in years, eGFR in mL/min/1.73 m2. All formulas are for adults. The race terms that
three of them were published with are off unless they are asked for; CKD-EPI 2021 has none.
"""

from collections.abc import Callable

# Source: molar mass of creatinine, 113.12 g/mol; the factor of KDIGO 2012 and of every formula below.
UMOL_PER_MG_DL = 88.4
# As people write them. Anything else is unknown, and a guess would be wrong by a factor of 88.
UNITS = {
    "mg/dl": 1.0, "mg/100ml": 1.0,
    "umol/l": 1 / UMOL_PER_MG_DL, "µmol/l": 1 / UMOL_PER_MG_DL, "μmol/l": 1 / UMOL_PER_MG_DL,
    "micromol/l": 1 / UMOL_PER_MG_DL,
}  # fmt: skip
# mg/dL. Outside, a value is a slip or has another unit: 900 is umol/L, 0.9 as umol/L is mg/dL.
CREATININE_MIN, CREATININE_MAX = 0.1, 40.0
ADULT_YEARS, AGE_MAX_YEARS = 18.0, 120.0


def mdrd186(creatinine: float, age: float, female: bool, black: bool) -> float:
    """Abbreviated MDRD for creatinine by the old assays, which the paper used.

    Source: Levey et al. 2000, J Am Soc Nephrol 11:A0828; K/DOQI 2002, guideline 4.
    """
    return _mdrd(186.0, creatinine, age, female, black)


def mdrd175(creatinine: float, age: float, female: bool, black: bool) -> float:
    """MDRD for creatinine traceable to isotope dilution (IDMS). Source: Levey et al. 2006, Ann Intern Med 145:247."""
    return _mdrd(175.0, creatinine, age, female, black)


def _mdrd(factor: float, creatinine: float, age: float, female: bool, black: bool) -> float:
    sex, race = 0.742 if female else 1.0, 1.212 if black else 1.0
    return factor * creatinine**-1.154 * age**-0.203 * sex * race


def ckdepi2009(creatinine: float, age: float, female: bool, black: bool) -> float:
    """Source: Levey et al. 2009, Ann Intern Med 150:604, table 2 and its footnote."""
    kappa, alpha, sex = (0.7, -0.329, 1.018) if female else (0.9, -0.411, 1.0)
    ratio, race = creatinine / kappa, 1.159 if black else 1.0
    return 141.0 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.209 * 0.993**age * sex * race


def ckdepi2021(creatinine: float, age: float, female: bool, black: bool = False) -> float:
    """Has no race term: `black` changes nothing. Source: Inker et al. 2021, N Engl J Med 385:1737, table S10."""
    kappa, alpha, sex = (0.7, -0.241, 1.012) if female else (0.9, -0.302, 1.0)
    ratio = creatinine / kappa
    return 142.0 * min(ratio, 1.0) ** alpha * max(ratio, 1.0) ** -1.200 * 0.9938**age * sex


FORMULAS: dict[str, Callable[[float, float, bool, bool], float]] = {
    "mdrd186": mdrd186, "mdrd175": mdrd175, "ckdepi2009": ckdepi2009, "ckdepi2021": ckdepi2021,
}  # fmt: skip
