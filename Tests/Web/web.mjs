// Where the page's files lie, and what lies beside the repository.

import { existsSync, readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";

const repository = new URL("../../", import.meta.url);
export const page = (name) => new URL(`Sources/CWebAssets/web/${name}`, repository);
export const web = (name) => import(page(name).href);
export const text = (name) => readFileSync(page(name), "utf8");

// JSON from a file, or null where it is absent.
function json(path) {
    return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : null;
}

export const shared = (name) => json(process.env.CLOISTER_SHARED ? `${process.env.CLOISTER_SHARED}/${name}` : fileURLToPath(new URL(`../shared/${name}`, repository)));
export const vectors = (name) => json(fileURLToPath(new URL(`Tests/Vectors/${name}`, repository)));
