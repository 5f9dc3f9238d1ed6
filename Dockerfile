# One small image for every process of the service: web, worker, sender, migrate (see compose.yaml).
# Its steps are plain commands: tests/slow/test_image.py runs them without a container engine.

FROM python:3.11-slim-bookworm AS build
WORKDIR /src
COPY requirements-image.lock ./
RUN python3 -m venv /opt/simcheck
RUN /opt/simcheck/bin/pip install --no-cache-dir --disable-pip-version-check --require-hashes -r requirements-image.lock
COPY pyproject.toml README.md ./
COPY simcheck simcheck
COPY carriers carriers
COPY generator generator
COPY jobs jobs
RUN /opt/simcheck/bin/pip install --no-cache-dir --disable-pip-version-check --no-deps --no-build-isolation .
# Kernels are compiled here once, by a small check; a machine with another processor compiles its own when it needs one.
ENV NUMBA_CACHE_DIR=/var/cache/simcheck
RUN mkdir -p /var/cache/simcheck && made=$(mktemp -d) \
 && /opt/simcheck/bin/simcheck generate --citizens 2000 --subscriptions 3000 --carrier viettel --carrier generic --out "$made/country" --quiet \
 && /opt/simcheck/bin/simcheck check viettel="$made/country/viettel.csv.gz" generic="$made/country/generic.csv" --citizens "$made/country/citizens.parquet" --out "$made/results" --quiet \
 && rm -r "$made"

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/simcheck simcheck
COPY --from=build /opt/simcheck /opt/simcheck
COPY --from=build --chown=10001 /var/cache/simcheck /var/cache/simcheck
ENV PATH=/opt/simcheck/bin:/usr/local/bin:/usr/bin:/bin \
    NUMBA_CACHE_DIR=/var/cache/simcheck \
    SIMCHECK_HOME=/var/lib/simcheck \
    SIMCHECK_LISTEN=0.0.0.0:8080
USER 10001
WORKDIR /var/lib/simcheck
VOLUME /var/lib/simcheck
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s CMD ["python3", "-c", "import urllib.request as r; r.urlopen('http://127.0.0.1:8080/healthz', timeout=2)"]
ENTRYPOINT ["simcheck"]
CMD ["serve"]
