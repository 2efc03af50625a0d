#!/usr/bin/env python3
"""Prints the public holidays that our rules are compared with, one line a region and year, from the Python package
`holidays` (PyPI, 0.108; a tool of the developer alone, nothing of it ships). Run it when a country is added or its law
changes, with the package in an environment of its own:

    python3 tests/holidays/public.py > tests/holidays/public.txt
"""

import holidays

YEARS = range(2020, 2036)
STATES = ["BB", "BE", "BW", "BY", "HB", "HE", "HH", "MV", "NI", "NW", "RP", "SH", "SL", "SN", "ST", "TH"]
REGIONS = [("AT", None), ("BE", None), ("DE", None)]
REGIONS += [("DE", state) for state in STATES]
REGIONS += [(country, None) for country in ("DK", "FI", "NL", "NO", "SE")]

print("# Public holidays by region and year. Written by:")
print("#   python3 tests/holidays/public.py > tests/holidays/public.txt")
print(f"# with the Python package holidays {holidays.__version__}, category public.")
for country, state in REGIONS:
    region = f"{country}-{state}" if state else country
    for year in YEARS:
        days = holidays.country_holidays(country, subdiv=state, years=year, categories=("public",))
        print(region, year, *(day.strftime("%m-%d") for day in sorted(days)))
