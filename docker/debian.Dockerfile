# JMeter with the plugin on Debian. From the project's folder, after script/build:
#   docker build --file docker/debian.Dockerfile --tag jmeter-wsb .
#   docker run --rm --volume "$PWD:/plans" jmeter-wsb -t plan.jmx -l result.jtl
FROM debian:12-slim
RUN apt-get update \
 && apt-get install --yes --no-install-recommends openjdk-17-jre-headless \
 && rm -rf /var/lib/apt/lists/*
COPY build/jmeter /opt/jmeter
WORKDIR /plans
ENTRYPOINT ["java", "-jar", "/opt/jmeter/bin/ApacheJMeter.jar", "-n"]
