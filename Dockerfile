# The service and its page, as small as it goes: no compiler, no PyTorch, nothing fetched when it runs.
#
#   docker build -t typecase .
#   docker run --rm --read-only --tmpfs /tmp --volume typecase-jobs:/jobs --cap-drop ALL \
#       --security-opt no-new-privileges --publish 127.0.0.1:8000:8000 typecase
#
# It cannot be built on every machine: packaging/check-image runs the same steps in a clean folder and tries the result.

FROM python:3.11-slim AS build
WORKDIR /source
COPY pyproject.toml README.md LICENSE ./
COPY src src
RUN python -m venv /opt/typecase && \
    /opt/typecase/bin/pip install --no-cache-dir --no-compile '.[serve]'

FROM python:3.11-slim
COPY --from=build /opt/typecase /opt/typecase
# Whoever runs it owns nothing but the jobs, and finds nothing else to write to.
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin typecase && \
    install --directory --owner typecase --mode 0700 /jobs
USER 10001
ENV PATH=/opt/typecase/bin:$PATH PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 TYPECASE_CACHE=/tmp/typecase
VOLUME /jobs
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/ready', timeout=4)"]
# In a container the address is the container's own; what is published, and to whom, is said by `--publish`.
ENTRYPOINT ["typecase", "serve", "--host", "0.0.0.0", "--port", "8000", "--jobs", "/jobs"]
