# Two images from one file; both build without network and without BuildKit.
#
#   engine   the grader alone: may be given to anyone
#   staff    engine + course + hidden suites + reference: never give it to anyone who
#            may run it with options of their own (the default target)
#
# Each begins empty and gets only what container/rootfs.py gathers from the base image.
# `make image` fills wheels/, passes the arguments and sets the labels.
ARG BASE_IMAGE=python:3.11-slim

# Packages first: a change of the engine does not install them again.
FROM ${BASE_IMAGE} AS packages
# BuildKit sets it by itself, for every platform; container/build.sh for the old builder.
ARG TARGETARCH
COPY wheels/${TARGETARCH}/packages /build/packages
RUN python3 -m venv /opt/grader \
    && /opt/grader/bin/pip install --quiet --no-cache-dir --no-index --no-deps \
        --no-compile --disable-pip-version-check /build/packages/*.whl
COPY container/rootfs.py /build/rootfs.py
# The time of every file we put in; the first day that a wheel can name.
ARG SOURCE_DATE_EPOCH=315532800
RUN python3 /build/rootfs.py system /rootfs

FROM packages AS grader
ARG SOURCE_DATE_EPOCH=315532800
COPY wheels/engine /build/engine
RUN /opt/grader/bin/pip install --quiet --no-cache-dir --no-index --no-deps \
        --no-compile --disable-pip-version-check /build/engine/*.whl \
    && /opt/grader/bin/pip check \
    && python3 /build/rootfs.py engine /engine

FROM scratch AS engine
COPY --from=packages /rootfs /
COPY --from=grader /engine /
# One thread a BLAS call: results must not depend on how many cores a host has.
ENV PATH=/opt/grader/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONHASHSEED=0 \
    OPENBLAS_NUM_THREADS=1 \
    GRADER_CONTAINER=1
WORKDIR /srv/course
# -P: a file in the working directory must not shadow a module.
ENTRYPOINT ["/opt/grader/bin/python", "-s", "-P", "-m", "grader.cli.contained"]

# Owners, modes and times are set in a stage: `COPY --chmod` needs BuildKit.
FROM ${BASE_IMAGE} AS course
ARG SOURCE_DATE_EPOCH=315532800
COPY container/rootfs.py /build/rootfs.py
COPY course.toml /build/course/
COPY milestones /build/course/milestones
COPY reference /build/course/reference
RUN python3 /build/rootfs.py course /rootfs

FROM engine AS staff
COPY --from=course /rootfs /
