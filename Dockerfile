# The image of the server, in two stages. Its steps live in deploy/install.sh, so that deploy/try-dockerfile can
# perform the same ones where no container engine is at hand: keep every instruction on one line.
#
#   docker build -t suishen .
#   docker run -p 8000:8000 -v suishen:/var/lib/suishen suishen
#
# That is the development server with its embedded PostgreSQL. In production set SUISHEN_ENVIRONMENT=production and what
# `suishen settings` then asks for (DATABASE_URL, SUISHEN_MASTER_KEY, …).

FROM python:3.11-slim-bookworm AS build
COPY requirements.txt /src/
COPY deploy/install.sh /src/deploy/
RUN sh /src/deploy/install.sh dependencies /src /opt/suishen
COPY . /src/
RUN sh /src/deploy/install.sh application /src /opt/suishen

FROM python:3.11-slim-bookworm
COPY --from=build /opt/suishen /opt/suishen
RUN sh /opt/suishen/deploy/install.sh user /opt/suishen /var/lib/suishen
ENV PATH=/opt/suishen/bin:/usr/local/bin:/usr/bin:/bin
ENV PYTHONUNBUFFERED=1
ENV SUISHEN_HOST=0.0.0.0
ENV SUISHEN_PORT=8000
ENV SUISHEN_DATA_DIRECTORY=/var/lib/suishen
WORKDIR /var/lib/suishen
VOLUME /var/lib/suishen
USER suishen
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s --retries=3 CMD ["/opt/suishen/bin/python", "-I", "-S", "/opt/suishen/deploy/healthcheck.py"]
STOPSIGNAL SIGTERM
CMD ["/opt/suishen/bin/suishen", "serve"]
