-- What differs between versions of Neovim, and between the ways to install a plugin. `OCTET_NEOVIM_API=0.11` runs all tests as on a newer one.

local editor = require('editor')

-- Deprecated in some version up to 0.12, with a successor in 0.7 or none that is needed.
local kGone = {
  'nvim_buf_get_option', 'nvim_buf_set_option', 'nvim_get_option', 'nvim_set_option', 'nvim_win_get_option', 'nvim_win_set_option',
  'nvim_call_atomic', 'nvim_exec', 'nvim_out_write', 'nvim_err_write', 'nvim_err_writeln', 'nvim_notify', 'nvim_buf_add_highlight',
  'nvim_buf_clear_highlight', 'nvim_buf_set_virtual_text', 'nvim_command_output', 'nvim_get_hl_by_name', 'nvim_get_hl_by_id',
  'nvim_subscribe', 'tbl_islist', 'tbl_flatten', 'tbl_add_reverse_lookup', 'pretty_print', 'vim.region', 'vim.validate', 'vim.highlight',
  'get_active_clients', 'buf_get_clients', 'for_each_buffer_client', 'client_is_stopped', 'get_log_path', 'make_position_params',
  'resolved_capabilities', 'termopen', 'rpcstart', 'buffer_exists', 'buffer_number', 'vim.lsp.with', 'vim.lsp.diagnostic',
}

--- The folder of the plugin, as a plugin manager has it: a copy without what the tests add to it.
local function copy_to(path)
  local plugin = vim.fn.fnamemodify(debug.getinfo(1, 'S').source:sub(2), ':p:h') .. '/../../../editors/neovim'
  vim.fn.mkdir(vim.fn.fnamemodify(path, ':h'), 'p')
  vim.fn.system({ 'cp', '-r', plugin, path })
  assert(vim.v.shell_error == 0)
  return path
end

--- That the plugin works, when its client starts the stub.
local function check_works(e, path)
  e:open({ 'a' }, { 1, 1 })
  e:answer(e:take_request(1, 1), { 'abc' }, 1)
  e:wait_ghost({ text = 'bc' })
  e:type('<Tab>')
  e:wait_lines({ 'abc' })
  local source = e:lua("return debug.getinfo(require('octet').setup, 'S').source")
  assert(vim.startswith(source, '@' .. path), source)
  editor.equal(e:lua("return vim.fn.exists(':Octet')"), 2)
end

return {
  {
    'no name that newer versions dropped is used',
    function()
      local e = editor.start(false)
      local files = e:lua("return vim.api.nvim_get_runtime_file('lua/octet/*.lua', true)")
      assert(#files > 10)
      for _, file in ipairs(files) do
        local text = table.concat(vim.fn.readfile(file), '\n')
        for _, name in ipairs(kGone) do
          local place = text:find('%f[%w_]' .. vim.pesc(name) .. '%f[^%w_]')
          assert(not place, ('%s uses %s'):format(file, name))
        end
      end
    end,
  },
  {
    'places in a line are right in each encoding',
    function()
      local e = editor.start(false)
      local line = 'é漢😀x'
      for _, case in ipairs({
        { 'utf-8', { 0, 2, 5, 9, 10 } },
        { 'utf-16', { 0, 1, 2, 4, 5 } },
        { 'utf-32', { 0, 1, 2, 3, 4 } },
      }) do
        for i, offset in ipairs({ 0, 2, 5, 9, 10 }) do
          editor.equal(e:lua("return require('octet.position').to_character(...)", line, offset, case[1]), case[2][i], case[1])
          editor.equal(e:lua("return require('octet.position').to_offset(...)", line, case[2][i], case[1]), offset, case[1])
        end
        editor.equal(e:lua("return require('octet.position').to_offset(...)", line, 99, case[1]), 10, case[1])
        editor.equal(e:lua("return require('octet.position').to_character(...)", line, 99, case[1]), case[2][5], case[1])
      end
    end,
  },
  {
    'lsp/octet.lua is what vim.lsp.enable wants',
    function()
      local e = editor.start(false)
      local path = vim.fn.tempname()
      vim.fn.writefile({ '#!/bin/sh' }, path)
      vim.fn.system({ 'chmod', '+x', path })
      e:lua('vim.g.octet_cmd = ...', path)
      local file = e:lua("return vim.api.nvim_get_runtime_file('lsp/octet.lua', false)[1]")
      editor.equal(e:lua('return dofile(...)', file), { cmd = { path, 'lsp', '--stdio' }, root_markers = { '.git' } })
      e:lua("vim.g.octet_cmd = '/nowhere/octet'") -- the error is Neovim's, with the name of the program
      editor.equal(e:lua('return dofile(...)', file).cmd, { 'octet', 'lsp', '--stdio' })
      editor.equal(e:lua("return package.loaded['octet.client'] == nil"), true)
    end,
  },
  {
    'lazy.nvim: the folder joins the runtimepath at an event, and `main` gets `opts`',
    function()
      local e = editor.start_bare()
      local path = copy_to(vim.fn.tempname() .. ' lazy/octet')
      e:lua(
        [[
        local path = ...
        vim.api.nvim_create_autocmd({ 'BufReadPost', 'InsertEnter' }, {
          once = true,
          callback = function()
            vim.opt.runtimepath:append(vim.fn.escape(path, ' ,'))
            for _, file in ipairs(vim.fn.globpath(path, 'plugin/**/*.lua', false, true)) do
              vim.cmd('source ' .. vim.fn.fnameescape(file))
            end
            require('octet').setup({ cmd = t.stub })
          end,
        })
      ]],
        path
      )
      editor.equal(e:lua("return package.loaded['octet'] == nil"), true)
      check_works(e, path)
    end,
  },
  {
    'packer, and a folder under pack/: what is in start/ is there, what is in opt/ after packadd',
    function()
      for _, kind in ipairs({ 'start', 'opt' }) do
        local e = editor.start_bare()
        local site = vim.fn.tempname() .. ' site'
        local path = copy_to(('%s/pack/packer/%s/octet'):format(site, kind))
        e:lua(
          [[
          local site, kind = ...
          vim.o.packpath = vim.fn.escape(site, ' ,')
          vim.cmd(kind == 'start' and 'packloadall!' or 'packadd octet')
          require('octet').setup({ cmd = t.stub })
        ]],
          site,
          kind
        )
        check_works(e, path)
      end
    end,
  },
}
