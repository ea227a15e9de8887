// Preloaded: packages are looked up in the folder PACKAGES, so that the programs here run where they are.
import { registerHooks } from "node:module";
import { pathToFileURL } from "node:url";

const parentURL = pathToFileURL(`${process.env.PACKAGES}/package.json`).href;
const here = new URL(".", import.meta.url).href;

registerHooks({
  resolve: (name, context, next) =>
    context.parentURL?.startsWith(here) && !/^(\.|\/|node:|file:)/.test(name)
      ? next(name, { ...context, parentURL })
      : next(name, context),
});
