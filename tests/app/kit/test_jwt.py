"""Our signed tokens, read by a library of others: the same header, the same claims, a signature of one length."""

import jwt

from app.kit.jwt import sign_jwt
from app.kit.keyring import Keyring


def test_what_we_sign_others_read(keyring: Keyring) -> None:
    """So many that some halves of a signature begin with a zero byte, which must not be lost."""
    key = keyring.active("token")
    for number in range(400):
        claims = {"sub": "阅览室", "iat": number, "aud": ["a", "b"], "cnf": {"jkt": "x"}}
        token = sign_jwt(key, typ="at+jwt", claims=claims)
        assert jwt.get_unverified_header(token) == {"typ": "at+jwt", "alg": "ES256", "kid": key.kid}
        assert len(jwt.utils.base64url_decode(token.rpartition(".")[2])) == 64
        read = jwt.decode(
            token, key.public_key, algorithms=["ES256"], options={"verify_aud": False, "verify_iat": False}
        )
        assert read == claims
