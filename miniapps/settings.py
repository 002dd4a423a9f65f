"""What an operator may set about the registry of mini-apps."""

from app.kit.structs import Model


class MiniappsSettings(Model):
    """`review_days`: within how many days a reviewer is to judge a version."""

    review_days: int = 5
