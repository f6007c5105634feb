-- :Octet; all else begins with require('octet').setup().

if vim.g.loaded_octet then
  return
end
vim.g.loaded_octet = true

vim.api.nvim_create_user_command('Octet', function(invocation)
  require('octet.commands').run(invocation)
end, {
  nargs = '?',
  bang = true,
  complete = function(lead)
    return require('octet.commands').complete(lead)
  end,
  desc = 'Octet: code completion',
})
