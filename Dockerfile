# Two stages: one that builds with Debian's packages, as scripts/setup installs them for everybody, and one that holds
# the program and the libraries it loads.
FROM debian:bookworm-slim AS build
WORKDIR /src
COPY scripts/setup scripts/setup
RUN scripts/setup run && rm -rf /var/lib/apt/lists/*
COPY . .
RUN cmake --preset release && cmake --build --preset release --target panier && \
    install -s -D build/release/panier /out/panier

FROM debian:bookworm-slim
RUN apt-get update && DEBIAN_FRONTEND=noninteractive apt-get install -y --no-install-recommends \
      ca-certificates libboost-json1.81.0 libcurl4 libfmt9 libmariadb3 libmongoc-1.0-0 \
      libprometheus-cpp-core1.0 libspdlog1.10 libsqlite3-0 libssl3 && \
    rm -rf /var/lib/apt/lists/* && \
    install -d -o 10001 -g 10001 -m 700 /var/lib/panier
COPY --from=build /out/panier /usr/local/bin/panier
COPY deploy/healthcheck /usr/local/bin/healthcheck
COPY LICENSE /usr/share/doc/panier/LICENSE
# A library that the list above forgot fails the build, not the first start.
RUN ! ldd /usr/local/bin/panier | grep 'not found'

# The image never invents a private cart: without the settings of both servers it exits 2 and names what is missing.
ENV PANIER_LEDGER=mariadb \
    PANIER_MIRROR=mongodb \
    PANIER_HOST=:: \
    PANIER_PORT=6004 \
    PANIER_DATA_DIR=/var/lib/panier \
    PANIER_FAILED_LOG=/var/lib/panier/failed_cart_requests.log
USER 10001:10001
VOLUME /var/lib/panier
EXPOSE 6004
HEALTHCHECK --interval=5s --timeout=4s --start-period=20s --retries=3 CMD ["/usr/local/bin/healthcheck"]
ENTRYPOINT ["/usr/local/bin/panier"]
CMD ["serve"]
