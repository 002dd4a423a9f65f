"""In which program and on which system somebody signs in, as a citizen would say it: "Chrome · Windows".

Pure. A header is what a caller claims; it is good for recognising one's own computer in a list and for nothing else.
What is shown comes out of the fixed lists below, never out of the header.
"""

from typing import Final

SHOWN_AT_MOST: Final = 64
_READ_AT_MOST: Final = 512

# The first mark that is found counts: most programs name those that they descend from as well.
_PROGRAMS: Final = (
    ("MicroMessenger/", "微信 WeChat"),
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("HuaweiBrowser/", "华为浏览器 Huawei Browser"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
_SYSTEMS: Final = (
    ("HarmonyOS", "HarmonyOS"),
    ("OpenHarmony", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Macintosh", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


def describe_agent(user_agent: str | None) -> str:
    """The program and the system of a `User-Agent` header (RFC 9110, section 10.1.5); "" when neither is known."""
    header = (user_agent or "")[:_READ_AT_MOST]
    found = (_first(header, _PROGRAMS), _first(header, _SYSTEMS))
    return " · ".join(name for name in found if name)


def _first(header: str, known: tuple[tuple[str, str], ...]) -> str:
    return next((name for mark, name in known if mark in header), "")
