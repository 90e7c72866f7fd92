# The web interface as static files behind nginx. Upstream's own image runs a development server, which has addresses
# that start programs on request; it is not fit for more than the developer's own machine.
# Context: the directory archon-ui-main of a checkout of Archon v1.
FROM node:18-alpine AS build
WORKDIR /src
COPY package.json package-lock.json ./
RUN npm ci --no-audit --no-fund
COPY . .
RUN npx vite build

FROM nginx:1.28-alpine
COPY --from=build /src/dist /usr/share/nginx/html
