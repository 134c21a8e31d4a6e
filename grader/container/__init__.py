"""Grading inside our container: what goes in, what comes out, on both sides.

In: one canonical tar on standard input with `job.json`, the submission's files and, for
the full profile, data sets. Out: one JSON document on standard output. No bind mounts,
so a remote engine works; the secret of the round travels in the job, never in an
argument or the environment.

`request` is what both sides know, `inside` what runs in the container, `host` what
starts it. Inside, nothing of the host's side is imported.
"""
