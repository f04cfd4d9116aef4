# The other scripts source this file. It finds a Python, makes .venv and installs a lock file into it.
# Needs a shell and Python 3.12 or newer with pip (found directly, by pyenv or by uv); works as root or not.

find_python() { # sets $python
  # pyenv has shims for versions that are not active and do not run, so try to run each candidate.
  for python in "${PYTHON:-}" python3.13 python3.14 python3.12 python3 \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.1[2-9]*/bin/python "$(uv python find '>=3.12' 2>/dev/null || true)"; do
    [ -n "$python" ] || continue
    "$python" -c 'import sys; sys.exit(sys.version_info < (3, 12))' 2>/dev/null && return 0
  done
  echo "tradepost needs Python 3.12 or newer; none was found. Set PYTHON to one." >&2
  exit 1
}

setup_tools() { # makes .venv, and puts uv and what builds the project into .tools, apart from what runs it; sets $uv
  if [ ! -x .venv/bin/python ]; then
    find_python
    "$python" -m venv --without-pip .venv # --without-pip: Debian has ensurepip in a separate package
  fi
  uv=.tools/bin/uv
  stamp=$(cksum <requirements-build.lock)
  if [ ! -x $uv ] || [ "$(cat .tools/stamp 2>/dev/null)" != "$stamp" ]; then
    find_python
    rm -rf .tools
    if "$python" -m pip --version >/dev/null 2>&1 || ! command -v uv >/dev/null; then
      "$python" -m pip install --quiet --quiet --disable-pip-version-check --require-hashes --target .tools \
        -r requirements-build.lock
    else # Pythons that uv brings have no pip
      uv pip install --quiet --python "$python" --require-hashes --target .tools -r requirements-build.lock
    fi
    echo "$stamp" >.tools/stamp
  fi
}

install() { # install chromium php-cli: Debian packages, if this user may; otherwise the program that needs them reports it
  if [ "$(id -u)" -ne 0 ] || ! command -v apt-get >/dev/null; then
    return 0
  fi
  echo "Installing $*..." >&2
  { apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -qq --no-install-recommends "$@"; } \
    >/dev/null 2>&1 || true
}

setup() { # setup requirements-dev.lock: put the project and the packages of that lock file into .venv
  lock=$1
  installed=$(cat pyproject.toml client/pyproject.toml requirements-build.lock "$lock" | cksum)
  if [ -x .venv/bin/tradepost ] && [ "$(cat ".venv/$lock.stamp" 2>/dev/null)" = "$installed" ]; then
    return 0
  fi
  echo "Setting up .venv (once; a minute or so)..." >&2
  setup_tools
  export VIRTUAL_ENV="$PWD/.venv"
  # Compile now: where Python may not write beside its modules, every start would compile all of them again.
  "$uv" pip install --quiet --compile-bytecode --require-hashes -r "$lock"
  PYTHONPATH="$PWD/.tools" "$uv" pip install --quiet --no-deps --no-build-isolation -e . -e ./client
  .venv/bin/python -m compileall -q -j 0 src client/src
  echo "$installed" >".venv/$lock.stamp"
}
