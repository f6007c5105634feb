-- For `vim.lsp.enable('octet')` (Neovim 0.11 or newer): the server alone, for 0.12's `vim.lsp.inline_completion` or another client.
-- The plugin does not need it: `require('octet').setup()` starts a server of its own.

return {
  cmd = { require('octet.binary').find() or 'octet', 'lsp', '--stdio' },
  root_markers = { '.git' },
}
