# One image for the site, the worker and the clock; docker-compose.yml says which is which.
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 HOST=0.0.0.0 DATA_DIR=/data

WORKDIR /baton
COPY requirements.txt .
RUN pip install --quiet --disable-pip-version-check --root-user-action=ignore -r requirements.txt

COPY . .
# Settings ask for all three; collecting static files uses none of them.
RUN DATABASE_URL=postgres://build@localhost/build REDIS_URL=redis://localhost SECRET_KEY=used-while-building-only \
    python manage.py collectstatic --noinput --verbosity 0 \
    && useradd --system --no-create-home baton && mkdir -p /data && chown baton /data

USER baton
VOLUME /data
EXPOSE 8000
CMD ["gunicorn", "--config", "python:crm.webserver", "crm.wsgi"]
