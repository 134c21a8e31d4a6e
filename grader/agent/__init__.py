"""What runs inside the sandbox; shipped as data, never imported by the engine.

Standard library and numpy only, nothing of `grader`.

Theory of operation. The judge starts `main.zygote` once: it imports numpy and never
runs student code. On the judge's word it forks a *group* for each module of a
submission. The group gives up its rights (`confine`), imports the package from memory
(`package`), and forks a pristine *check* process a check, which answers requests
(`interpreter`) on its own socket and dies. The judge owns the other end of every socket
and outlives everybody. Nothing that a group or a check says is trusted; nothing secret
ever comes in here.

    judge --control--> zygote --fork--> group --fork--> check
      |                                   |               |
      +---- control and stream -----------+               |
      +---- one socket a check, one pipe for its output --+
"""
