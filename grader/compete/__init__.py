"""TinyMLPerf: from measured sessions to scores and ranks.

Pure functions: no clock, no input or output, no chance but the generators made from
recorded seeds. Nothing here measures, and nothing here publishes.

    session -> Estimate (ln of a ratio, with 2,000 bootstrap draws)
            -> Score (weighted geometric means, gates) -> Standing -> Place
"""
