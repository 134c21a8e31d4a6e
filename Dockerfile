# Two images from one file; both build without network and without BuildKit.
#
#   engine   the grader alone: may be given to anyone
#   staff    engine + course + hidden suites + reference: never give it to anyone who
#            may run it with options of their own (the default target)
#
# `make image` fills wheels/ first.
ARG BASE_IMAGE=python:3.11-slim

# Packages first: a change of the engine does not install them again.
FROM ${BASE_IMAGE} AS build
COPY wheels/packages /build/packages
RUN python3 -m venv /opt/grader \
    && /opt/grader/bin/pip install --quiet --no-cache-dir --no-index --no-deps \
        --disable-pip-version-check /build/packages/*.whl
COPY wheels/engine /build/engine
RUN /opt/grader/bin/pip install --quiet --no-cache-dir --no-index --no-deps \
        --disable-pip-version-check /build/engine/*.whl \
    && /opt/grader/bin/pip check \
    && /opt/grader/bin/pip uninstall --quiet --yes pip setuptools

FROM ${BASE_IMAGE} AS engine
ARG VERSION=0
LABEL org.opencontainers.image.title="tinytorch-grader" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.licenses="MIT"
COPY --from=build /opt/grader /opt/grader
# One thread a BLAS call: results must not depend on how many cores a host has.
ENV PATH=/opt/grader/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0 \
    OPENBLAS_NUM_THREADS=1 \
    GRADER_CONTAINER=1
WORKDIR /srv/course
# -P: a file in the working directory must not shadow a module.
ENTRYPOINT ["/opt/grader/bin/python", "-s", "-P", "-m", "grader.cli.contained"]

# Modes are set in a stage of their own: `COPY --chmod` needs BuildKit.
FROM ${BASE_IMAGE} AS course
COPY course.toml /srv/course/
COPY milestones /srv/course/milestones
COPY reference /srv/course/reference
RUN chown -R root:root /srv/course \
    && chmod -R u=rwX,go=rX /srv/course \
    && chmod -R go= /srv/course/reference

FROM engine AS staff
COPY --from=course /srv/course /srv/course
