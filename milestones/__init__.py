"""The historical runs, and the small modules that their scripts share.

`runner` runs a script, `datasets` gives it data, `systems` measures what it costs,
`report` and `curves` show it; README.md says how to read what they show.
The scripts themselves need only numpy and `tinytorch`; they use these modules in
`main()` alone, so that a grader can run their `build`, `train` and `predict` bare.
"""
