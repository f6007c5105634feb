#!/usr/bin/env bash
# Puts VS Code where a browser can reach it (code-server, from npm) into the folder that is named, once. Needs Debian's g++, make, python3,
# pkg-config, libkrb5-dev and ripgrep.
set -euo pipefail

readonly VERSION=4.100.3
folder=$1
[ -e "$folder/installed-$VERSION" ] && exit
rm -rf "$folder"
mkdir -p "$folder"
cd "$folder"
# Headers of the node that is there: none are downloaded.
export npm_config_yes=true npm_config_nodedir=${npm_config_nodedir:-/usr} npm_config_audit=false npm_config_fund=false npm_config_loglevel=error
npm init -y >/dev/null
npm install "code-server@$VERSION" --ignore-scripts
# Its own script would download ripgrep.
(
  cd node_modules/code-server/lib/vscode
  npm install --omit=dev --ignore-scripts
  mkdir -p node_modules/@vscode/ripgrep/bin
  ln -sf "$(command -v rg)" node_modules/@vscode/ripgrep/bin/rg
  npm rebuild
  ln -sfn node_modules node_modules.asar
  (cd bin/remote-cli && ln -sf code-linux.sh code-server)
  (cd bin/helpers && ln -sf browser-linux.sh browser.sh)
  (cd extensions && npm install --omit=dev)
)
npm rebuild argon2
touch "installed-$VERSION"
