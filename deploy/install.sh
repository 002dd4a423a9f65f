#!/bin/sh
# The steps of the Dockerfile, each by its name. Also performed outside containers by deploy/try-dockerfile.
#
#   install.sh dependencies SOURCE PREFIX   a virtual environment at PREFIX with the locked, hashed dependencies
#   install.sh application SOURCE PREFIX    the application into it, as a wheel: nothing of SOURCE is needed afterwards
#   install.sh user PREFIX DATA             (root) the user who runs it and owns DATA, and nothing else
set -eu

python=${PYTHON:-python3.11}

dependencies() {
    "$python" -m venv "$2"
    "$2/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check --require-hashes -r "$1/requirements.txt"
}

application() {
    "$2/bin/pip" install --quiet --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation "$1"
    mkdir -p "$2/deploy"
    cp "$1/deploy/install.sh" "$1/deploy/healthcheck.py" "$2/deploy/"
    # Written now, once: the user who runs the server cannot write here.
    "$2/bin/python" -m compileall -q "$2/lib" || test $? -eq 1
}

user() {
    test -x "$1/bin/suishen"
    groupadd --system --gid 10001 suishen
    useradd --system --uid 10001 --gid 10001 --no-create-home --home-dir "$2" --shell /usr/sbin/nologin suishen
    install -d -o suishen -g suishen -m 0750 "$2"
}

step=$1
shift
case $step in
    dependencies | application | user) "$step" "$@" ;;
    *) echo "install.sh: unknown step $step" >&2; exit 2 ;;
esac
