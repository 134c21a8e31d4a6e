"""What staff say about rounds and marks: checked whole, then written as events."""

from grader.administration.desk import Place
from grader.administration.policies import (
    RoundRow,
    Terms,
    list_rounds,
    make_round,
    secret_file,
    set_policy,
)
from grader.administration.several import extend, extend_all, team, team_all, times
from grader.administration.single import Word, choose, comment, explain, override

__all__ = [
    "Place",
    "RoundRow",
    "Terms",
    "Word",
    "choose",
    "comment",
    "explain",
    "extend",
    "extend_all",
    "list_rounds",
    "make_round",
    "override",
    "secret_file",
    "set_policy",
    "team",
    "team_all",
    "times",
]
