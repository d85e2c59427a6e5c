# JMeter with the plugin on Alpine Linux. From the project's folder, after script/build and then script/package, whose jar has the
# library for Alpine's C library:
#   docker build --file docker/alpine.Dockerfile --tag jmeter-wsb .
#   docker run --rm --volume "$PWD:/plans" jmeter-wsb -t plan.jmx -l result.jtl
FROM alpine:3.22
RUN apk add --no-cache openjdk17-jre-headless
COPY build/jmeter /opt/jmeter
COPY build/libs/ws-backoff-[0-9]*.jar /opt/jmeter/lib/ext/
WORKDIR /plans
ENTRYPOINT ["java", "-jar", "/opt/jmeter/bin/ApacheJMeter.jar", "-n"]
