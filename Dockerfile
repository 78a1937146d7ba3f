# Compiles the sources, then keeps what a production install holds: compiled JavaScript, no compiler, no sources.
FROM node:24-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
RUN npm ci
COPY tsconfig.json ./
COPY src ./src
COPY crds ./crds
COPY scripts/build.ts ./scripts/
RUN npm run build
# The optional packages are a Node for machines that have an older one; this image has its own.
RUN npm prune --omit=dev --omit=optional

FROM node:24-slim
WORKDIR /app
ENV NODE_ENV=production
COPY --from=build /build/package.json ./
COPY --from=build /build/node_modules ./node_modules
COPY --from=build /build/dist ./dist
COPY crds ./crds
COPY deploy ./deploy
COPY examples ./examples
COPY README.md LICENSE NOTICE ./
USER 65532:65532
EXPOSE 8080
ENTRYPOINT ["node", "dist/aviary.js"]
CMD ["controller"]
