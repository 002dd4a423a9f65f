"""STAND-IN. The face service of a developer's machine: it believes evidence that repeats the challenge. Never real."""

import hmac
from typing import Final

from auth.registries.ports import FaceAnswer, PersonNamed

PREFIX: Final = "development-face:"


class DevelopmentFace:
    """Says yes to "development-face:" and the challenge, whoever sends it. Raises `RuntimeError` in production."""

    def __init__(self, *, environment: str) -> None:
        if environment == "production":
            raise RuntimeError("The development face service does not run in production: set SUISHEN_FACE_SERVICE_URL.")

    async def check_face(self, *, holder: PersonNamed, challenge: str, evidence: str) -> FaceAnswer:
        """Looks at no face at all."""
        del holder
        expected = (PREFIX + challenge).encode()
        return FaceAnswer(match=hmac.compare_digest(expected, evidence.encode("utf-8", "replace")))
